<?php

declare(strict_types=1);

namespace App;

final class Basket
{
    /** @param array<string, int> $quantities by SKU */
    public function __construct(public readonly array $quantities = [])
    {
    }
}
