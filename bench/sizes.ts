/** How much is measured. The quick sizes show that the benchmark runs; their figures mean nothing. */
export interface Sizes {
  /** Records of the root stream. */
  readonly flights: number;
  /** Runs of each stage into nothing. */
  readonly rounds: number;
  /** Records of the root stream whose rows go into Elasticsearch, about three quarters of them, in each round. */
  readonly flightsIntoElasticsearch: number;
  /** Rounds of worker and replay against Elasticsearch, interleaved. */
  readonly elasticsearchRounds: number;
  /** Pairs of our flip and the bare call. */
  readonly flips: number;
  readonly reads: number;
  /** Chains of a root stream, a pipeline, a stream and a sink: four resources each. */
  readonly chains: number;
  /** How long the operator has nothing to do before and while its memory is looked at. */
  readonly idleSeconds: number;
}

export const fullSizes: Sizes = {
  flights: 1_500_000,
  rounds: 5,
  flightsIntoElasticsearch: 1_500_000,
  elasticsearchRounds: 5,
  flips: 200,
  reads: 1_000_000,
  chains: 250,
  idleSeconds: 60,
};

export const quickSizes: Sizes = {
  flights: 20_000,
  rounds: 1,
  flightsIntoElasticsearch: 10_000,
  elasticsearchRounds: 1,
  flips: 5,
  reads: 2_000,
  chains: 2,
  idleSeconds: 2,
};
