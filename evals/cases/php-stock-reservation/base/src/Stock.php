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
}
