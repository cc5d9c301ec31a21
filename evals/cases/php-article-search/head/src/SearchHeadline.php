<?php

declare(strict_types=1);

namespace App;

/** What stands above the results. */
final class SearchHeadline
{
    public function __construct(
        private readonly string $term,
        private readonly ?int $year,
        private readonly int $count,
    ) {
    }

    public function html(): string
    {
        $noun = $this->count === 1 ? 'article' : 'articles';
        $html = "<h2>{$this->count} {$noun} for {$this->term}</h2>";
        if ($this->year !== null) {
            $html .= sprintf(
                '<p>Only %d. <a href="/search.php?q=%s">All years</a></p>',
                $this->year,
                rawurlencode($this->term),
            );
        }
        return $html;
    }
}
