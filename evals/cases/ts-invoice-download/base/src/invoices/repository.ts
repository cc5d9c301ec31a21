import { Pool } from "pg";

export interface Invoice {
  id: number;
  customerId: number;
  number: string;
  totalCents: number;
  issuedAt: Date;
}

export class InvoiceRepository {
  constructor(private readonly pool: Pool) {}

  async findById(id: number): Promise<Invoice | null> {
    const { rows } = await this.pool.query(
      'SELECT id, customer_id AS "customerId", number, total_cents AS "totalCents", issued_at AS "issuedAt" FROM invoices WHERE id = $1',
      [id],
    );
    return rows[0] ?? null;
  }

  async listForCustomer(customerId: number): Promise<Invoice[]> {
    const { rows } = await this.pool.query(
      'SELECT id, customer_id AS "customerId", number, total_cents AS "totalCents", issued_at AS "issuedAt" FROM invoices WHERE customer_id = $1 ORDER BY issued_at DESC',
      [customerId],
    );
    return rows;
  }
}
