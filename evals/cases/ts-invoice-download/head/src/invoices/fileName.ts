import type { Invoice } from "./repository";

/** A name that every file system takes, such as `invoice-2024-0042.pdf`. */
export function fileNameOf(invoice: Invoice): string {
  const safe = invoice.number.replace(/[^A-Za-z0-9-]/g, "-");
  return `invoice-${safe}.pdf`;
}
