{{/* What operator and worker have alike, beside their pods; each takes (dict "root" . "component" "operator"), some more. */}}

{{/* The account, if it is ours to make. Takes the values of the component too. */}}
{{- define "grue.serviceAccount" -}}
{{- if .values.serviceAccount.create }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include (printf "grue.%s.serviceAccountName" .component) .root }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "grue.componentLabels" . | nindent 4 }}
  {{- with .values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
# The pods ask for the token; nothing else that runs under this account gets one.
automountServiceAccountToken: false
{{- end }}
{{- end }}

{{- define "grue.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "grue.fullname" .root }}-{{ .component }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "grue.componentLabels" . | nindent 4 }}
spec:
  # There is nothing to balance: who scrapes wants each pod.
  clusterIP: None
  selector:
    {{- include "grue.selectorLabels" . | nindent 4 }}
  ports:
    - name: health
      port: 8081
      targetPort: health
    {{- if .root.Values.metrics.expose }}
    - name: metrics
      port: 8080
      targetPort: metrics
    {{- end }}
{{- end }}

{{/* Takes the number of pods too: a budget for a single one would stop a drain for good. */}}
{{- define "grue.podDisruptionBudget" -}}
{{- if and .root.Values.podDisruptionBudget.enabled (gt (int .pods) 1) }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "grue.fullname" .root }}-{{ .component }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "grue.componentLabels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "grue.selectorLabels" . | nindent 6 }}
{{- end }}
{{- end }}

{{/* Binds the account to a role: also takes "kind" (Role or ClusterRole) and "name". */}}
{{- define "grue.binding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  name: {{ .name }}
  {{- if eq .kind "Role" }}
  namespace: {{ .root.Release.Namespace }}
  {{- end }}
  labels:
    {{- include "grue.componentLabels" . | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ include (printf "grue.%s.serviceAccountName" .component) .root }}
    namespace: {{ .root.Release.Namespace }}
{{- end }}

{{/* Secrets are read by name; nobody may list or watch them. */}}
{{- define "grue.secretRule" -}}
- apiGroups: [""]
  resources: [secrets]
  {{- with .Values.rights.secretNames }}
  resourceNames:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  verbs: [get]
{{- end }}

{{/* Who scrapes is looked up by the API server. */}}
{{- define "grue.reviewRules" -}}
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
- apiGroups: [authorization.k8s.io]
  resources: [subjectaccessreviews]
  verbs: [create]
{{- end }}
