<?php

declare(strict_types=1);

namespace App;

final class Checkout
{
    public function __construct(private readonly Payments $payments)
    {
    }

    public function buy(Order $order): Receipt
    {
        return $this->payments->charge($order);
    }
}
