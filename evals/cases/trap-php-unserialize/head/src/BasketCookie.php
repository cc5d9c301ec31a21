<?php

declare(strict_types=1);

namespace App;

/** A basket as the value of a cookie: content and signature. */
final class BasketCookie
{
    private const ALGORITHM = 'sha256';
    private const MAX_BYTES = 3500;

    public function __construct(private readonly string $key)
    {
        if (strlen($key) < 32) {
            throw new \InvalidArgumentException('The cookie key needs 32 bytes.');
        }
    }

    public function encode(Basket $basket): string
    {
        $content = base64_encode(serialize($basket->quantities));
        return $content . '.' . $this->signature($content);
    }

    /** An empty basket for a cookie that is not ours. */
    public function decode(string $cookie): Basket
    {
        [$content, $signature] = explode('.', $cookie, 2) + ['', ''];
        if (strlen($cookie) > self::MAX_BYTES || !hash_equals($this->signature($content), $signature)) {
            return new Basket();
        }
        $quantities = unserialize((string) base64_decode($content, true), ['allowed_classes' => false]);
        return is_array($quantities) ? new Basket(array_map('intval', $quantities)) : new Basket();
    }

    private function signature(string $content): string
    {
        return hash_hmac(self::ALGORITHM, $content, $this->key);
    }
}
