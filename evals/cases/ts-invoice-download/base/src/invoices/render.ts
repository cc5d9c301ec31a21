import type { Invoice } from "./repository";

export async function renderPdf(invoice: Invoice): Promise<Buffer> {
  const lines = [`Invoice ${invoice.number}`, `Total ${(invoice.totalCents / 100).toFixed(2)}`];
  return Buffer.from(lines.join("\n"), "utf8");
}
