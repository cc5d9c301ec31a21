<?php

declare(strict_types=1);

namespace App;

use PDO;

final class ArticleSearch
{
    public function __construct(private readonly PDO $db)
    {
    }

    /** @return list<array{id: int, title: string}> */
    public function find(string $term, ?int $year): array
    {
        $sql = 'SELECT id, title FROM articles WHERE title LIKE ?' . ($year === null ? '' : ' AND year = ?');
        $statement = $this->db->prepare($sql . ' ORDER BY id DESC LIMIT 50');
        $statement->execute($year === null ? ["%{$term}%"] : ["%{$term}%", $year]);
        return $statement->fetchAll(PDO::FETCH_ASSOC);
    }
}
