import { Router } from "express";
import { requireLogin } from "../auth";
import type { InvoiceRepository } from "./repository";

export function invoiceRoutes(invoices: InvoiceRepository): Router {
  const router = Router();
  router.use(requireLogin);

  router.get("/", async (req, res) => {
    res.json(await invoices.listForCustomer(req.user!.customerId));
  });

  router.get("/:id", async (req, res) => {
    const invoice = await invoices.findById(Number(req.params.id));
    if (!invoice || invoice.customerId !== req.user!.customerId) {
      res.status(404).json({ error: "not found" });
      return;
    }
    res.json(invoice);
  });

  return router;
}
