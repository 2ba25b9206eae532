{{/*
The pod template of a component: (dict "root" . "component" "operator" "values" .Values.operator "args" $args). Both run the same image, listen on
the same ports and are as restricted as Pod Security can ask for: they write no file, so there is no volume that they could write to.
*/}}
{{- define "grue.podTemplate" -}}
{{- $selector := include "grue.selectorLabels" . -}}
{{- $certificate := ternary .root.Values.metrics.tls.secretName "" .root.Values.metrics.expose -}}
metadata:
  {{- with .values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  labels:
    {{- with .values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- $selector | nindent 4 }}
spec:
  serviceAccountName: {{ include (printf "grue.%s.serviceAccountName" .component) .root }}
  automountServiceAccountToken: true
  enableServiceLinks: false
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  # Both end within ten seconds; the rest is for a machine that is busy.
  terminationGracePeriodSeconds: 30
  securityContext:
    runAsNonRoot: true
    runAsUser: 1000
    runAsGroup: 1000
    fsGroup: 1000
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: {{ .component }}
      image: {{ include "grue.image" .root }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args:
        - {{ .component }}
        {{- if eq .root.Values.scope "Namespace" }}
        - --namespace={{ .root.Release.Namespace }}
        {{- end }}
        - --listen=:8081
        {{- if .root.Values.metrics.expose }}
        - --metrics-listen=:8080
        {{- if $certificate }}
        - --metrics-tls-directory=/etc/grue/metrics-tls
        {{- end }}
        {{- else }}
        - --metrics-listen=127.0.0.1:8080
        {{- end }}
        - --log-level={{ .values.logLevel }}
        {{- range .args }}
        - {{ . }}
        {{- end }}
      {{- with .values.extraEnv }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: health
          containerPort: 8081
        {{- if .root.Values.metrics.expose }}
        - name: metrics
          containerPort: 8080
        {{- end }}
      # Ready when it knows all resources; a standby that waits for the Lease is ready as well.
      readinessProbe:
        httpGet:
          path: /readyz
          port: health
        periodSeconds: 5
        timeoutSeconds: 3
      # Fails only when a restart would help: a watch that has died, a pass that never ends.
      livenessProbe:
        httpGet:
          path: /healthz
          port: health
        initialDelaySeconds: 15
        periodSeconds: 20
        timeoutSeconds: 5
        failureThreshold: 3
      resources:
        {{- toYaml .values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      {{- if $certificate }}
      volumeMounts:
        - name: metrics-tls
          mountPath: /etc/grue/metrics-tls
          readOnly: true
      {{- end }}
  {{- with $certificate }}
  volumes:
    - name: metrics-tls
      secret:
        secretName: {{ . }}
        defaultMode: 0440
  {{- end }}
  topologySpreadConstraints:
    {{- if .values.topologySpreadConstraints }}
    {{- toYaml .values.topologySpreadConstraints | nindent 4 }}
    {{- else }}
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- $selector | nindent 10 }}
    {{- end }}
  {{- with .values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
