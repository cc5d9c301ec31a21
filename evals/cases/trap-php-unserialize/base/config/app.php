<?php

return [
    // 32 random bytes, base64; made by bin/setup.
    'cookie_key' => base64_decode((string) getenv('COOKIE_KEY'), true),
];
