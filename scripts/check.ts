import { runChecks } from './checks.ts';
import { endTogether } from './processes.ts';

endTogether();
const failed = await runChecks();
process.exitCode = failed.length === 0 ? 0 : 1;
