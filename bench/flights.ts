/** Rows as of the flights of the example: the records of the root stream. About 150 bytes of JSON each. */
export const flightFields = [
  { name: 'date', type: 'TIMESTAMP(3)' },
  { name: 'delay', type: 'INT' },
  { name: 'distance', type: 'INT' },
  { name: 'origin', type: 'STRING' },
  { name: 'destination', type: 'STRING' },
  { name: 'carrier', type: 'STRING' },
  { name: 'n', type: 'BIGINT' },
];

const airports = ['MCI', 'MDW', 'SFO', 'JFK', 'ORD', 'LAX', 'SEA'];

export const flight = (n: number) => ({
  date: new Date(Date.UTC(2001, 0, 1) + n * 60_000).toISOString(),
  delay: ((n * 7) % 90) - 10,
  distance: 100 + ((n * 31) % 2500),
  origin: airports[n % 7],
  destination: airports[(n * 3 + 1) % 7],
  carrier: 'WN',
  n,
});
