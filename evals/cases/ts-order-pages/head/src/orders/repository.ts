import type { Pool } from "pg";

export const PAGE_SIZE = 20;

export interface OrderPage {
  orders: OrderRow[];
  page: number;
  pages: number;
}

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

  /** One page, newest first; the first page is 1. */
  async page(customerId: number, page: number): Promise<OrderPage> {
    const counted = await this.pool.query("SELECT count(*)::int AS total FROM orders WHERE customer_id = $1", [customerId]);
    const total: number = counted.rows[0].total;
    const { rows } = await this.pool.query(
      'SELECT id, placed_at AS "placedAt", total_cents AS "totalCents" FROM orders WHERE customer_id = $1 ORDER BY placed_at DESC, id DESC LIMIT $2 OFFSET $3',
      [customerId, PAGE_SIZE, (page - 1) * PAGE_SIZE],
    );
    return { orders: rows, page, pages: Math.floor(total / PAGE_SIZE) };
  }
}
