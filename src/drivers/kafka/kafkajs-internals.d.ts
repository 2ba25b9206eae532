declare module 'kafkajs/src/consumer/batch.js' {
  const Batch: { readonly prototype: { readonly rawMessages: readonly unknown[]; isEmpty(): boolean; isEmptyDueToFiltering(): boolean } };
  export = Batch;
}
declare module 'kafkajs/src/consumer/offsetManager/index.js' {
  const OffsetManager: { readonly prototype: { setDefaultOffset(where: { readonly topic: string; readonly partition: number }): Promise<void> } };
  export = OffsetManager;
}
declare module 'kafkajs/src/network/requestQueue/index.js' {
  const RequestQueue: { readonly prototype: { readonly pending: readonly unknown[]; scheduleCheckPendingRequests(): void } };
  export = RequestQueue;
}
