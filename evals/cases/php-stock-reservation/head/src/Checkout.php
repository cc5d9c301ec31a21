<?php

declare(strict_types=1);

namespace App;

final class Checkout
{
    public function __construct(private readonly Payments $payments, private readonly Stock $stock)
    {
    }

    public function buy(Order $order): Receipt
    {
        $this->stock->reserve($order->sku, $order->quantity);
        try {
            return $this->payments->charge($order);
        } catch (PaymentFailed $error) {
            $this->stock->release($order->sku, $order->quantity);
            throw $error;
        }
    }
}
