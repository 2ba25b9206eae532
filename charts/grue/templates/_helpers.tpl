{{/* The name of the chart, or what nameOverride says. */}}
{{- define "grue.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The first part of the name of every object. 45 characters, so that "-operator-metrics" fits behind it. */}}
{{- define "grue.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" }}
{{- else if contains (include "grue.name" .) .Release.Name }}
{{- .Release.Name | trunc 45 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "grue.name" .) | trunc 45 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* The first part of the name of objects without a namespace: two releases of one name must not fight over them. */}}
{{- define "grue.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "grue.fullname" .) }}
{{- end }}

{{/* Labels of what belongs to no component. */}}
{{- define "grue.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "grue.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | trimAll "-_." | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: grue
{{- end }}

{{/* Labels of an object of a component: (dict "root" . "component" "operator"). */}}
{{- define "grue.componentLabels" -}}
{{ include "grue.labels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* What selects the pods of a component; never changes between versions, for a Deployment cannot change it. Takes the same dict. */}}
{{- define "grue.selectorLabels" -}}
app.kubernetes.io/name: {{ include "grue.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "grue.operator.serviceAccountName" -}}
{{- .Values.operator.serviceAccount.name | default (printf "%s-operator" (include "grue.fullname" .)) }}
{{- end }}

{{- define "grue.worker.serviceAccountName" -}}
{{- .Values.worker.serviceAccount.name | default (printf "%s-worker" (include "grue.fullname" .)) }}
{{- end }}

{{/* The image, pinned by its digest where one is given. */}}
{{- define "grue.image" -}}
{{- with .Values.image }}
{{- .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ with .digest }}@{{ . }}{{ end }}
{{- end }}
{{- end }}

{{/* A Role where the release looks after its own namespace, a ClusterRole where it looks after all. */}}
{{- define "grue.roleKind" -}}
{{- if eq .Values.scope "Cluster" }}ClusterRole{{ else }}Role{{ end }}
{{- end }}

{{/* What Helm would only find out by an error that nobody understands, or never. */}}
{{- define "grue.refuse" -}}
{{- if and .Values.platform.create (not .Values.platform.spec) }}
{{- fail "platform.spec is missing, and platform.create asks to make a Platform of it" }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled (not .Values.metrics.expose) }}
{{- fail "serviceMonitor.enabled needs metrics.expose: metrics on loopback cannot be scraped" }}
{{- end }}
{{- if gt (int .Values.worker.autoscaling.minReplicas) (int .Values.worker.autoscaling.maxReplicas) }}
{{- fail "worker.autoscaling.minReplicas is more than worker.autoscaling.maxReplicas" }}
{{- end }}
{{- end }}

{{/* An older chart would take fields away that resources of a newer one use: (dict "name" "streams.grue.dev" "version" 1). */}}
{{- define "grue.refuseNewerCrd" -}}
{{- $stored := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" .name }}
{{- $version := dig "metadata" "annotations" "grue.dev/crd-version" "0" $stored }}
{{- if gt (int $version) .version }}
{{- fail (printf "the CRD %s in this cluster has version %s, this chart brings version %d: install a newer chart, or set crds.install to false" .name $version .version) }}
{{- end }}
{{- end }}
