<?php

declare(strict_types=1);

namespace App;

use PDO;

final class Users
{
    public function __construct(private readonly PDO $db)
    {
    }

    /** @return array{id: int, email: string}|null */
    public function findByEmail(string $email): ?array
    {
        $statement = $this->db->prepare('SELECT id, email FROM users WHERE email = ?');
        $statement->execute([$email]);
        return $statement->fetch(PDO::FETCH_ASSOC) ?: null;
    }

    public function setPassword(int $id, string $password): void
    {
        $this->db->prepare('UPDATE users SET password_hash = ? WHERE id = ?')
            ->execute([password_hash($password, PASSWORD_DEFAULT), $id]);
    }
}
