<?php

declare(strict_types=1);

use App\Accounts;

require __DIR__ . '/../bootstrap.php';

$user = require_login();
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    (new Accounts($db))->rename($user->id, trim((string) ($_POST['name'] ?? '')));
    header('Location: /account.php', true, 303);
    exit;
}
?>
<form method="post">
  <input name="name" value="<?= htmlspecialchars($user->name, ENT_QUOTES) ?>">
  <button>Save</button>
</form>
