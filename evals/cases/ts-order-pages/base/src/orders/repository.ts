import type { Pool } from "pg";

export interface OrderRow {
  id: number;
  placedAt: Date;
  totalCents: number;
}

export class OrderRepository {
  constructor(private readonly pool: Pool) {}

  async all(customerId: number): Promise<OrderRow[]> {
    const { rows } = await this.pool.query(
      'SELECT id, placed_at AS "placedAt", total_cents AS "totalCents" FROM orders WHERE customer_id = $1 ORDER BY placed_at DESC, id DESC',
      [customerId],
    );
    return rows;
  }
}
