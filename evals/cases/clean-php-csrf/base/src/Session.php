<?php

declare(strict_types=1);

namespace App;

/** The session of one request; started by the front controller. */
final class Session
{
    public function get(string $name): mixed
    {
        return $_SESSION[$name] ?? null;
    }

    public function set(string $name, mixed $value): void
    {
        $_SESSION[$name] = $value;
    }
}
