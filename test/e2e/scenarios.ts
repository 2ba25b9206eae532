import type { Scenario } from './scenario.ts';
import { argoCd } from './scenarios/argo-cd.ts';
import { badInput } from './scenarios/bad-input.ts';
import { migrationDeleted, namespaceDeleted } from './scenarios/deleted.ts';
import { install } from './scenarios/install.ts';
import { newerCrds } from './scenarios/newer-crds.ts';
import { leaderKilled, operatorKilled } from './scenarios/operator-killed.ts';
import { rightsRevoked } from './scenarios/rbac.ts';
import { restricted } from './scenarios/restricted.ts';
import { rights } from './scenarios/rights.ts';
import { secretRotated } from './scenarios/secrets.ts';
import { uninstalled } from './scenarios/uninstalled.ts';
import { upgrade } from './scenarios/upgrade.ts';
import { workersKilled } from './scenarios/workers-killed.ts';

/** All of them. Those that take long come first, so that nothing has to be waited for in the end. */
export const scenarios: readonly Scenario[] = [
  migrationDeleted,
  secretRotated,
  namespaceDeleted,
  rights,
  restricted,
  argoCd,
  operatorKilled,
  rightsRevoked,
  workersKilled,
  uninstalled,
  leaderKilled,
  upgrade,
  install,
  badInput,
  newerCrds,
];
