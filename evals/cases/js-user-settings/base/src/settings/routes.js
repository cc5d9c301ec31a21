import express from "express";
import { requireUser } from "../auth.js";
import { DEFAULTS } from "./defaults.js";

export function settingsRoutes(store) {
  const router = express.Router();
  router.use(requireUser, express.json({ limit: "16kb" }));

  router.get("/settings", async (req, res) => {
    res.json({ ...DEFAULTS, ...(await store.load(req.user.id)) });
  });

  router.put("/settings", async (req, res) => {
    await store.save(req.user.id, req.body);
    res.status(204).end();
  });

  return router;
}
