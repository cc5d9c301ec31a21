import type { NextFunction, Request, Response } from "express";

declare global {
  namespace Express {
    interface Request {
      user?: { id: number; customerId: number };
    }
  }
}

export function requireLogin(req: Request, res: Response, next: NextFunction): void {
  if (!req.user) {
    res.status(401).json({ error: "login required" });
    return;
  }
  next();
}
