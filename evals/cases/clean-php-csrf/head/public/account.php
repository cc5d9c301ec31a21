<?php

declare(strict_types=1);

use App\Accounts;
use App\CsrfToken;
use App\Session;

require __DIR__ . '/../bootstrap.php';

$user = require_login();
$csrf = new CsrfToken(new Session());
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    if (!$csrf->isValid($_POST)) {
        http_response_code(403);
        exit;
    }
    (new Accounts($db))->rename($user->id, trim((string) ($_POST['name'] ?? '')));
    header('Location: /account.php', true, 303);
    exit;
}
?>
<form method="post">
  <?= $csrf->field() ?>
  <input name="name" value="<?= htmlspecialchars($user->name, ENT_QUOTES) ?>">
  <button>Save</button>
</form>
