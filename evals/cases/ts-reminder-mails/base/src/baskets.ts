export interface Basket {
  id: string;
  email: string;
  items: number;
  remindedAt: Date | null;
}

export interface Baskets {
  openSince(before: Date): Promise<Basket[]>;
  markReminded(id: string, at: Date): Promise<void>;
}
