import type { Baskets } from "../baskets";
import { logger } from "../logger";

export interface Job {
  name: string;
  run(now: Date): Promise<number>;
}

export async function runNightly(jobs: Job[], now: Date): Promise<void> {
  for (const job of jobs) {
    try {
      const count = await job.run(now);
      logger.info({ job: job.name, count }, "job done");
    } catch (error) {
      logger.error({ job: job.name, error }, "job failed");
    }
  }
}
