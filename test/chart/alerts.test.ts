import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { runtimeMetrics } from '../../src/controller/metrics.ts';
import { workerMetrics } from '../../src/worker/metrics.ts';

const source = readFileSync(join(import.meta.dirname, '../../charts/grue/templates/prometheusrule.yaml'), 'utf8');
const alerts = source.split(/^ +- alert: /m).slice(1);

/** Of Prometheus itself. */
const notOurs = ['up'];

test('each alert is made of metrics that exist', async () => {
  const registry = new Registry();
  runtimeMetrics(registry);
  workerMetrics(registry);
  const known = new Set([...notOurs, ...(await registry.getMetricsAsJSON()).map(({ name }) => name)]);
  expect(alerts.length).toBeGreaterThan(8);
  for (const alert of alerts) {
    const names = [...alert.matchAll(/([a-z_]+)\{ \{\{-/g)].map(([, name]) => name ?? '');
    expect(names, alert).not.toEqual([]);
    expect(names.filter((name) => !known.has(name))).toEqual([]);
  }
});

test('each alert says in one sentence what is the matter, and in another what to do', () => {
  for (const alert of alerts) {
    expect(alert).toMatch(/^ +summary: .*\."?( \| quote \}\})?$/m);
    expect(alert).toMatch(/^ +description: /m);
    expect(alert).toMatch(/severity: (critical|warning)/);
  }
});
