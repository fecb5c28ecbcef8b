// What the doctor asks of a batch system: does it answer, and does what our quick starts rely on hold here?
import { fine, trouble, type Finding } from '../protocol/finding';
import { nodesDesk, type NodesDesk } from './on-nodes';
import { proveStep } from './prove-step';
import type { Proofs } from './proofs';
import { visitNode, type Visit } from './visit-node';

export interface Examined extends Visit {
  /** The cluster's name. */
  readonly name: string;
  readonly proofs: Proofs;
}

export async function* examineBatch(given: Examined, signal: AbortSignal): AsyncGenerator<Finding> {
  const { dialect, run } = given;
  let isAnswering = true;
  for (const probe of dialect.probes) {
    const { check, command, remedy } = probe;
    const answer = await run(command, signal);
    const says = probe.read(answer);
    if (says !== undefined) yield fine(check, says);
    else {
      // What was answered well is no complaint, though it is not what we need.
      const said = answer.stderr.trim() || (answer.exitCode === 0 ? '' : answer.stdout.trim());
      const words = said.split('\n').slice(-2).join(' ');
      yield trouble(check, [words, remedy].filter((part) => part !== '').join('. '));
      // A missing history is no reason not to look further.
      isAnswering &&= probe !== dialect.probes[0];
    }
  }
  if (!isAnswering) return;
  yield* visitNode(given, signal);
  const desk = nodesDesk(dialect, run);
  if (desk !== undefined) yield await examineStep(desk, given, signal);
}

/** Tried each time: a site may have changed. What was proved stands until the next try. */
async function examineStep(
  desk: NodesDesk,
  { name, proofs, asked = {}, stateDirectory }: Examined,
  signal: AbortSignal,
): Promise<Finding> {
  const check = 'independent step';
  const { native, ...request } = asked;
  if (native !== undefined && native.length > 0)
    return fine(check, 'not tried: `native:` holds arguments for batch jobs only, so cells run as those');
  const proof = await proveStep(desk, stateDirectory, request, signal);
  if (proof.outcome === 'open') {
    const words = proof.words.split('\n').at(-1) ?? '';
    return trouble(check, `could not be tried now: ${words}. Try again when nodes are free.`);
  }
  proofs.keep(name, { at: Date.now(), stepSurvives: proof.outcome === 'survives' });
  return proof.outcome === 'survives'
    ? fine(check, 'survives the loss of the login node: cells that wait start at once where nodes are free')
    : fine(check, 'ends with its client, so cells run as batch jobs: they start at the next turn of the scheduler');
}
