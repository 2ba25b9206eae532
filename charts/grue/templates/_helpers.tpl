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
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
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
