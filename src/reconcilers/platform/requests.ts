import { GrueError } from '../../api/errors.ts';
import type { Platform } from '../../api/platform.ts';
import { parsePlatformRequest, requestAnnotations } from '../../api/requests.ts';
import type { RequestResult } from '../../api/stream-migration.ts';
import { kubeTime } from '../../controller/clock.ts';
import { takeOver } from '../recovery/take-over.ts';
import type { World } from '../world.ts';

/** Answers what a person has asked by the annotations of a Platform, once. @returns the answer; undefined when there is nothing to answer */
export async function answerRequest(platform: Platform, world: World, signal: AbortSignal): Promise<RequestResult | undefined> {
  const { annotations } = platform.metadata;
  const id = annotations?.[requestAnnotations.id];
  if (id === undefined || platform.status?.requests?.some((request) => request.id === id)) return undefined;
  const answered = (verb: string, by: string | undefined, result: string): RequestResult => ({
    ...{ id, verb: verb.slice(0, 32), ...(by === undefined ? {} : { by }) },
    ...{ result: result.slice(0, 512), time: kubeTime(world.clock.now()) },
  });
  try {
    const request = parsePlatformRequest(annotations);
    return request && answered(request.verb, request.by, await takeOver(platform, request, world, signal));
  } catch (error) {
    if (error instanceof GrueError) return answered(annotations?.[requestAnnotations.verb] ?? 'unknown', undefined, `refused: ${error.line}`);
    throw error;
  }
}
