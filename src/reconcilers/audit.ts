import { fieldManager, type World } from './world.ts';

/** A call that takes something away for good. */
export interface DestructiveCall {
  readonly verb: 'DeleteIndex' | 'DeleteTopic' | 'DeleteGroup' | 'DeleteRevision';
  /** The name of what is taken away. */
  readonly object: string;
  /** What it is recognised by: nothing else of that name is ever taken away. */
  readonly identity: string;
  /** For people, and for whoever has to find out later. */
  readonly why: string;
  readonly namespace: string;
  readonly revision: string;
}

/**
 * Makes the call if this process leads with certainty, and writes its one line of the audit log: of a call that failed as well, because it
 * may have been carried out all the same. The lines are those of the log with a field `audit`.
 */
export async function audited<Result extends string>(call: DestructiveCall, world: World, carryOut: () => Promise<Result>): Promise<Result> {
  const { verb, ...about } = call;
  if (!world.mayAct()) throw new Error(`the lease is in doubt: ${verb} ${call.object} is not done now`);
  const line = { audit: verb, who: `${fieldManager} of ${world.installation}`, ...about };
  try {
    const result = await carryOut();
    world.log.info(`${verb} ${call.object}: ${result}`, { ...line, result });
    return result;
  } catch (error) {
    world.log.warn(`${verb} ${call.object}: failed`, { ...line, result: 'Failed', error });
    throw error;
  }
}
