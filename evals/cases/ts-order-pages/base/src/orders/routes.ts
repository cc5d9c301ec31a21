import { Router } from "express";
import { requireLogin } from "../auth";
import type { OrderRepository } from "./repository";

export function orderRoutes(orders: OrderRepository): Router {
  const router = Router();
  router.use(requireLogin);

  router.get("/", async (req, res) => {
    res.json({ orders: await orders.all(req.user!.customerId) });
  });

  return router;
}
