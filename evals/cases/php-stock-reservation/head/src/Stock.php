<?php

declare(strict_types=1);

namespace App;

use PDO;

final class Stock
{
    public function __construct(private readonly PDO $db)
    {
    }

    public function available(string $sku): int
    {
        $statement = $this->db->prepare('SELECT available FROM stock WHERE sku = ?');
        $statement->execute([$sku]);
        return (int) $statement->fetchColumn();
    }

    /** Takes pieces off the shelf; throws OutOfStock if there are not enough. */
    public function reserve(string $sku, int $quantity): void
    {
        $this->db->beginTransaction();
        try {
            $left = $this->available($sku) - $quantity;
            if ($left < 0) {
                throw new OutOfStock($sku);
            }
            $this->db->prepare('UPDATE stock SET available = ? WHERE sku = ?')->execute([$left, $sku]);
            $this->db->commit();
        } catch (\Throwable $error) {
            $this->db->rollBack();
            throw $error;
        }
    }

    public function release(string $sku, int $quantity): void
    {
        $this->db->prepare('UPDATE stock SET available = available + ? WHERE sku = ?')->execute([$quantity, $sku]);
    }
}
