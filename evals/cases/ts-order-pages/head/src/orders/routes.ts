import { Router } from "express";
import { requireLogin } from "../auth";
import type { OrderRepository } from "./repository";

export function orderRoutes(orders: OrderRepository): Router {
  const router = Router();
  router.use(requireLogin);

  router.get("/", async (req, res, next) => {
    const page = Number(req.query.page ?? 1);
    if (!Number.isInteger(page) || page < 1 || page > 10_000) {
      res.status(400).json({ error: "page must be a number from 1" });
      return;
    }
    try {
      res.json(await orders.page(req.user!.customerId, page));
    } catch (error) {
      next(error);
    }
  });

  return router;
}
