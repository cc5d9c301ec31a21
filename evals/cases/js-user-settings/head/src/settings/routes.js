import express from "express";
import { requireUser } from "../auth.js";
import { DEFAULTS } from "./defaults.js";
import { mergeInto } from "./merge.js";

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

  router.patch("/settings", async (req, res, next) => {
    try {
      const settings = structuredClone((await store.load(req.user.id)) ?? {});
      mergeInto(settings, req.body);
      await store.save(req.user.id, settings);
      res.json({ ...DEFAULTS, ...settings });
    } catch (error) {
      next(error);
    }
  });

  return router;
}
