import type { Context, Scenario } from '../scenario.ts';
import { stopsOf } from '../stops.ts';

export const upgrade: Scenario = {
  name: 'helm upgrade while a migration catches up; then metrics are for those who may',
  installation: 'Own',
  async run(context) {
    const { release, startWorkload, say } = context;
    await release.install();
    const workload = await startWorkload();
    const uids = async (): Promise<readonly string[]> => [...(await release.pods('operator')), ...(await release.pods('worker'))].map(({ uid }) => uid);
    const before = await uids();
    const held = (await stopsOf(workload))('CatchingUp');
    await workload.migrate('across');
    await held.caught;
    await workload.inPhase('across', 'CatchingUp');
    const upgrading = release.upgrade({ metrics: { expose: true, readers: [{ name: 'scraper', namespace: context.namespace }] } });
    // workers have their documents on the way while they are asked to end
    setTimeout(held.letGo, 5_000);
    await upgrading;
    if ((await uids()).some((uid) => before.includes(uid))) throw new Error('the upgrade has left a pod as it was');
    say('every pod is another one');
    await workload.inPhase('across', 'Completed');
    await scrape(context);
    await workload.nothingLeft();
    return workload.settle();
  },
};

/** From another pod's view: without a token, with the token of somebody, and with that of a reader. */
async function scrape({ release, kubectl, namespace, canaryOf, say }: Context): Promise<void> {
  const [operator] = await release.pods('operator');
  const [worker] = await release.pods('worker');
  if (operator === undefined || worker === undefined) throw new Error('a pod is missing');
  const tokens: string[] = [''];
  for (const account of ['nobody', 'scraper']) {
    await kubectl(['create', 'serviceaccount', account, '--namespace', namespace]);
    const token = (await kubectl(['create', 'token', account, '--namespace', namespace])).trim();
    canaryOf(token);
    tokens.push(token);
  }
  const address = await kubectl(['get', 'pod', operator.name, '--namespace', namespace, '--output', 'jsonpath={.status.podIP}']);
  const script = `
    const ask = (token) => fetch('http://${address}:8080/metrics', { headers: token === '' ? {} : { authorization: 'Bearer ' + token } });
    Promise.all(JSON.parse(require('node:fs').readFileSync(0, 'utf8')).map((token) => ask(token).then((answer) => answer.status))).then((all) => console.log(all.join()));
  `;
  // through the standard input: the audit log of the API server holds the command lines
  const answers = (await kubectl(['exec', '--stdin', worker.name, '--namespace', namespace, '--', 'node', '-e', script], JSON.stringify(tokens))).trim();
  if (answers !== '401,403,200') throw new Error(`a scraper without a token, with any, and with one that may is answered ${answers}`);
  say(`a scraper without a token, with any, and with one that may is answered ${answers}`);
}
