import { GrueError } from '../api/errors.ts';
import { isKubeError } from '../controller/kube/errors.ts';

/** What stands before the reason: which object, and which policy has looked at it. Nothing of it helps the person who was refused. */
const preamble = /^.*? is forbidden: (?:ValidatingAdmissionPolicy '[^']*' with binding '[^']*' denied request: )?/;

/** A call that the API server has refused for want of a right, as an error that a person can act on. Anything else stays what it is. */
export function asRefusal(error: unknown): unknown {
  if (!isKubeError(error, 'Forbidden')) return error;
  return new GrueError('GRUE-CLI-003', error.message.replace(preamble, ''), { cause: error });
}
