<?php

declare(strict_types=1);

namespace App;

use PDO;

final class PasswordReset
{
    private const VALID_SECONDS = 3600;

    public function __construct(
        private readonly PDO $db,
        private readonly Users $users,
        private readonly Mailer $mailer,
        private readonly string $baseUrl,
    ) {
    }

    public function request(string $email): void
    {
        $user = $this->users->findByEmail($email);
        if ($user === null) {
            return;
        }
        $token = md5($user['email'] . microtime());
        $this->db->prepare('INSERT INTO password_resets (user_id, token_hash, expires_at) VALUES (?, ?, ?)')
            ->execute([$user['id'], hash('sha256', $token), time() + self::VALID_SECONDS]);
        $this->mailer->send(
            $user['email'],
            'Reset your password',
            "Open {$this->baseUrl}/reset?token={$token} within one hour.",
        );
    }

    public function redeem(string $token, string $password): bool
    {
        $statement = $this->db->prepare(
            'DELETE FROM password_resets WHERE token_hash = ? AND expires_at > ? RETURNING user_id'
        );
        $statement->execute([hash('sha256', $token), time()]);
        $userId = $statement->fetchColumn();
        if ($userId === false) {
            return false;
        }
        $this->users->setPassword((int) $userId, $password);
        return true;
    }
}
