// `npm run bench:sdiag [-- --jobs 1000 --seconds 600]`: how many questions a thousand waiting jobs make Slurm's controller answer in ten minutes. At most 14
// are the goal; more than that fails.
import { parseArgs } from 'node:util';
import { runScript, setUp } from './setup.mjs';

const MOST = 14;

await runScript(async () => {
  const { values } = parseArgs({
    options: { jobs: { type: 'string', default: '1000' }, seconds: { type: 'string', default: '600' } },
  });
  await setUp({ jupyter: false });
  const { inPlace } = await import('../bench/run.mjs');
  const { countQuestions } = await import('../bench/sdiag.mjs');
  const size = { jobs: Number(values.jobs), seconds: Number(values.seconds), tell: (line) => console.error(line) };
  const { questions, lookups, all } = await inPlace((bench) => countQuestions(bench, size));
  const rpcs = questions + lookups;
  console.log(
    `${size.jobs} waiting jobs, ${size.seconds} s: ${rpcs} RPCs to ask for their states (goal: at most ${MOST}):`,
  );
  console.log(`${questions} about jobs, ${lookups} about partitions and the like. All that the controller was asked:`);
  for (const [name, count] of Object.entries(all)) console.log(`  ${name} ${count}`);
  if (rpcs > MOST) process.exitCode = 1;
});
