/**
 * Who may import whom: the architecture, as far as a machine can check it. The reasons stand with the rules.
 * @type {import('dependency-cruiser').IConfiguration}
 */

/** A vendor library is imported in one place, so that replacing it is a change of one folder. */
const onlyIn = (library, place) => ({
  name: `in-one-place: ${library}`,
  severity: 'error',
  comment: `${library} belongs to ${place}`,
  from: { path: '^src/', pathNot: `^${place}` },
  to: { path: `node_modules/${library}(/|$)` },
});

/** `from` may import what matches `to`, and nothing else. */
const onlyImports = (name, comment, from, to) => ({ name, severity: 'error', comment, from: { path: from }, to: { pathNot: to } });
const neverImports = (name, comment, from, to, except) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from },
  to: except === undefined ? { path: to } : { path: to, pathNot: except },
});

const builtin = '^[a-z_:/0-9]+$';
const pure = 'topology|parity|records';
const vendors = 'node_modules/(kafkajs|@platformatic/kafka|@elastic/elasticsearch|@duckdb/[^/]+|@kubernetes/client-node|winston|prom-client|commander)(/|$)';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', comment: 'A cycle is one module that pretends to be several.', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', comment: 'An import that leads nowhere.', from: {}, to: { couldNotResolve: true } },
    {
      name: 'declared',
      severity: 'error',
      comment: 'What runs in production is a declared dependency, not one of development and not one that another package happens to bring.',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'npm-optional'], dependencyTypesNot: ['type-only'] },
    },
    neverImports('src-not-test', 'What is tested does not know its tests.', '^src/', '^(test|bench|demo|scripts)/'),
    neverImports('main-is-the-top', 'Wiring is imported by nobody.', '^src/', '^src/main\\.ts$'),

    onlyImports('api-is-the-source', 'Types, CRDs and documents are made of it: it needs zod and nothing else.', '^src/api/', '^src/api/|node_modules/zod/'),
    onlyImports(
      'pure',
      'No client, no clock, no I/O: the same input gives the same output. Hashing is pure.',
      `^src/(${pure})/`,
      `^src/(api|${pure})/|^src/drivers/ports\\.ts$|^(node:)?crypto$|node_modules/zod/`,
    ),
    onlyImports(
      'controller-is-reusable',
      'It knows nothing of migrations.',
      '^src/controller/',
      `^src/controller/|${builtin}|node_modules/(@kubernetes/client-node|prom-client)/`,
    ),
    neverImports(
      'reconcilers-see-ports',
      'They decide; drivers do. So a simulated world can stand in for all servers.',
      '^src/reconcilers/',
      '^src/drivers/',
      '^src/drivers/ports\\.ts$',
    ),
    neverImports('reconcilers-no-vendors', 'Vendor libraries are the business of drivers.', '^src/reconcilers/', vendors),
    neverImports('reconcilers-alone', 'The operator and the workers are processes of their own.', '^src/reconcilers/', '^src/(worker|cli|dashboard)/'),
    {
      name: 'drivers-are-strangers',
      severity: 'error',
      comment: 'A driver never imports another driver.',
      from: { path: '^src/drivers/([^/]+)/' },
      to: { path: '^src/drivers/[^/]+/', pathNot: '^src/drivers/$1/' },
    },
    neverImports(
      'drivers-below',
      'Drivers are used; they use nobody above them but the ports.',
      '^src/drivers/',
      '^src/(reconcilers|worker|cli|dashboard)/',
      '^src/worker/ports\\.ts$',
    ),
    neverImports('worker-alone', 'The operator and the workers are processes of their own.', '^src/worker/', '^src/(reconcilers|cli|dashboard)/'),

    onlyIn('kafkajs', 'src/drivers/kafka/'),
    onlyIn('@platformatic/kafka', 'src/drivers/kafka/'),
    onlyIn('@elastic/elasticsearch', 'src/drivers/elasticsearch/'),
    onlyIn('@duckdb/[^/]+', 'src/drivers/embedded/'),
    onlyIn('@kubernetes/client-node', 'src/controller/kube/'),
    onlyIn('prom-client', 'src/((controller|worker)/|operator\\.ts$)'),
    onlyIn('winston', 'src/logging\\.ts$'),
    onlyIn('commander', 'src/(cli/|main\\.ts$)'),
  ],
  options: {
    // TypeScript 7 has no interface for tools yet; swc reads the files, type imports included.
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'], exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
