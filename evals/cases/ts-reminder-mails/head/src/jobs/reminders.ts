import type { Basket, Baskets } from "../baskets";
import { logger } from "../logger";
import type { Mailer } from "../mail";
import type { Job } from "./nightly";

const DAY_MS = 24 * 60 * 60 * 1000;

export class ReminderJob implements Job {
  readonly name = "reminders";

  constructor(
    private readonly baskets: Baskets,
    private readonly mailer: Mailer,
  ) {}

  async run(now: Date): Promise<number> {
    const open = await this.baskets.openSince(new Date(now.getTime() - DAY_MS));
    const due = open.filter((basket) => basket.remindedAt === null && basket.items > 0);
    let sent = 0;
    due.forEach(async (basket) => {
      await this.remind(basket);
      await this.baskets.markReminded(basket.id, now);
      sent += 1;
    });
    logger.info({ due: due.length, sent }, "reminders");
    return sent;
  }

  private async remind(basket: Basket): Promise<void> {
    const noun = basket.items === 1 ? "item is" : "items are";
    await this.mailer.send(
      basket.email,
      "Your basket is waiting",
      `${basket.items} ${noun} still in your basket.`,
    );
  }
}
