// pg-boss: node pg-boss.mjs SOCKET_DIRECTORY WORKERS SECONDS. Prints how many jobs were completed in a second.
// Each worker sends a job, fetches one and completes it.
import PgBoss from 'pg-boss';

const [host, workers, seconds] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const boss = new PgBoss({ host, user: 'bench', database: 'postgres', max: workers, supervise: false, schedule: false });
boss.on('error', (error) => { throw error; });
await boss.start();
const name = `jobs-${process.pid}`;
// Two processes that create their queues at once may deadlock.
while (!(await boss.createQueue(name).then(() => true, (error) => error.code !== '40P01' && Promise.reject(error))));
const spec = { demo_url: 'https://demos.example.com/2026/11/match-730-1234567890.dem.bz2', steam64_id: '76561197960265735', round: 5 };

let completed = 0;
let over = false;
const work = async () => {
  while (!over) {
    await boss.send(name, spec);
    for (const job of await boss.fetch(name)) {
      await boss.complete(name, job.id);
      completed += 1;
    }
  }
};
const start = performance.now();
const all = Array.from({ length: workers }, work);
await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
console.log(completed / ((performance.now() - start) / 1000));
over = true;
await Promise.all(all);
process.exit(0);
