<?php

declare(strict_types=1);

namespace App;

final class CsrfToken
{
    public const FIELD = 'csrf_token';

    private const BYTES = 32;

    public function __construct(private readonly Session $session)
    {
    }

    /** The session's token; made when it is first asked for. */
    public function value(): string
    {
        $token = $this->session->get(self::FIELD);
        if (!is_string($token)) {
            $token = bin2hex(random_bytes(self::BYTES));
            $this->session->set(self::FIELD, $token);
        }
        return $token;
    }

    /** @param array<string, mixed> $form */
    public function isValid(array $form): bool
    {
        $held = $this->session->get(self::FIELD);
        $given = $form[self::FIELD] ?? null;
        return is_string($held) && is_string($given) && hash_equals($held, $given);
    }

    public function field(): string
    {
        return sprintf('<input type="hidden" name="%s" value="%s">', self::FIELD, $this->value());
    }
}
