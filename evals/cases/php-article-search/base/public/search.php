<?php

declare(strict_types=1);

use App\ArticleSearch;
use App\Html;

require __DIR__ . '/../bootstrap.php';

$term = trim((string) ($_GET['q'] ?? ''));
$year = isset($_GET['year']) ? (int) $_GET['year'] : null;
$articles = (new ArticleSearch($db))->find($term, $year);
?>
<ul>
<?php foreach ($articles as $article): ?>
  <li><a href="/articles/<?= $article['id'] ?>"><?= Html::escape($article['title']) ?></a></li>
<?php endforeach ?>
</ul>
