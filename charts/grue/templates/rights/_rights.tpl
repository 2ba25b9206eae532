{{/* User names of the two accounts, as the API server knows them. */}}
{{- define "grue.rights.operator" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "grue.operator.serviceAccountName" . }}
{{- end }}

{{- define "grue.rights.worker" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "grue.worker.serviceAccountName" . }}
{{- end }}

{{/*
What puts a policy into force: (dict "root" . "name" "requests"). An operator of one namespace says nothing about others: there may be
another release beside it, with accounts of its own.
*/}}
{{- define "grue.rights.binding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ include "grue.clusterName" .root }}-{{ .name }}
  labels:
    {{- include "grue.labels" .root | nindent 4 }}
spec:
  policyName: {{ include "grue.clusterName" .root }}-{{ .name }}
  validationActions: [Deny]
  {{- if eq .root.Values.scope "Namespace" }}
  matchResources:
    namespaceSelector:
      matchLabels:
        kubernetes.io/metadata.name: {{ .root.Release.Namespace }}
  {{- end }}
{{- end }}

{{/*
Who asks, of what, and whether a request in the annotations is new: variables of the two policies that know requests. Without an id there
is no request, so annotations that are removed, or written before their id, ask for nothing.
*/}}
{{- define "grue.rights.request" -}}
- name: user
  expression: request.userInfo.username
- name: subject
  expression: request.kind.kind + ' ' + request.namespace + '/' + object.metadata.name
- name: annotations
  expression: object.metadata.?annotations.orValue({})
- name: annotationsBefore
  expression: "request.operation == 'CREATE' ? {} : oldObject.metadata.?annotations.orValue({})"
- name: asks
  expression: >-
    'grue.dev/request-id' in variables.annotations &&
    ['id', 'verb', 'step', 'attempt', 'plan', 'by', 'reason'].exists(part,
    variables.annotations[?'grue.dev/request-' + part] != variables.annotationsBefore[?'grue.dev/request-' + part])
- name: verb
  expression: variables.annotations[?'grue.dev/request-verb'].orValue('')
- name: by
  expression: variables.annotations[?'grue.dev/request-by'].orValue(variables.user)
{{- end }}

{{/* Nobody asks in the name of another one. */}}
{{- define "grue.rights.by" -}}
- expression: '!variables.asks || variables.by == variables.user'
  reason: Forbidden
  messageExpression: >-
    variables.user + ' may not ask anything of ' + variables.subject + ' in the name of ' + variables.by
    + ': annotation grue.dev/request-by must be ' + variables.user + ', or be left out'
{{- end }}
