import { expect, test } from 'vitest';
import { runtimeMetrics } from '../../src/controller/metrics.ts';
import { workQueue } from '../../src/controller/queue.ts';
import { virtualClock } from '../support/virtual-clock.ts';

test('every label set is there with 0 from the start, under the names of controller-runtime', async () => {
  const metrics = runtimeMetrics();
  metrics.controller('migration', 4);
  metrics.reflector('Pipeline');
  metrics.leading('operator', false);
  const text = await metrics.registry.metrics();
  const expected = [
    'controller_runtime_reconcile_total{controller="migration",result="success"} 0',
    'controller_runtime_reconcile_total{controller="migration",result="error"} 0',
    'controller_runtime_reconcile_total{controller="migration",result="requeue_after"} 0',
    'controller_runtime_reconcile_errors_total{controller="migration"} 0',
    'controller_runtime_terminal_reconcile_errors_total{controller="migration"} 0',
    'controller_runtime_reconcile_panics_total{controller="migration"} 0',
    'controller_runtime_reconcile_timeouts_total{controller="migration"} 0',
    'controller_runtime_reconcile_time_seconds_count{controller="migration"} 0',
    'controller_runtime_max_concurrent_reconciles{controller="migration"} 4',
    'controller_runtime_active_workers{controller="migration"} 0',
    'workqueue_depth{name="migration",controller="migration"} 0',
    'workqueue_adds_total{name="migration",controller="migration"} 0',
    'workqueue_retries_total{name="migration",controller="migration"} 0',
    'workqueue_queue_duration_seconds_count{name="migration",controller="migration"} 0',
    'workqueue_work_duration_seconds_count{name="migration",controller="migration"} 0',
    'workqueue_unfinished_work_seconds{name="migration",controller="migration"} 0',
    'workqueue_longest_running_processor_seconds{name="migration",controller="migration"} 0',
    'reflector_lists_total{kind="Pipeline"} 0',
    'leader_election_master_status{name="operator"} 0',
    'event_recorder_events_total{result="dropped"} 0',
  ];
  expect(expected.filter((line) => !text.includes(line))).toEqual([]);
  expect(text).toContain('# TYPE rest_client_requests_total counter');
  expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
});

test('the queue is read when somebody scrapes', async () => {
  const metrics = runtimeMetrics();
  const clock = virtualClock();
  const of = metrics.controller('migration', 1);
  const queue = workQueue({ clock, observer: of.queue });
  of.observeQueue(queue, clock);
  queue.add('a');
  queue.add('b');
  await queue.take();
  await clock.advance(3_000);
  const text = await metrics.registry.metrics();
  expect(text).toContain('workqueue_depth{name="migration",controller="migration"} 1');
  expect(text).toContain('workqueue_unfinished_work_seconds{name="migration",controller="migration"} 3');
  expect(text).toContain('workqueue_longest_running_processor_seconds{name="migration",controller="migration"} 3');
});

test('metrics of two runtimes in one process do not meet', async () => {
  runtimeMetrics().request('200', 'GET', 'one');
  expect(await runtimeMetrics().registry.metrics()).not.toContain('host="one"');
});
