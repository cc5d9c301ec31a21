<?php

declare(strict_types=1);

use App\ArticleSearch;
use App\Html;
use App\SearchHeadline;

require __DIR__ . '/../bootstrap.php';

$term = trim((string) ($_GET['q'] ?? ''));
$year = isset($_GET['year']) ? (int) $_GET['year'] : null;
$articles = (new ArticleSearch($db))->find($term, $year);
?>
<?php if ($term !== ''): ?>
<?= (new SearchHeadline($term, $year, count($articles)))->html() ?>
<?php endif ?>
<ul>
<?php foreach ($articles as $article): ?>
  <li><a href="/articles/<?= $article['id'] ?>"><?= Html::escape($article['title']) ?></a></li>
<?php endforeach ?>
</ul>
