"""Charges are taken and found again."""

import unittest

from payments.charges import ChargeNotFound, create_charge, find_charge
from payments.database import connect


class Charges(unittest.TestCase):
    def setUp(self) -> None:
        self.connection = connect(":memory:")
        self.addCleanup(self.connection.close)

    def test_a_charge_is_found_by_its_id(self) -> None:
        made = create_charge(self.connection, merchant_id=7, reference="INV-1", amount_cents=1250)
        self.assertEqual(find_charge(self.connection, made.id), made)

    def test_a_charge_that_is_not_there_is_not_found(self) -> None:
        with self.assertRaises(ChargeNotFound):
            find_charge(self.connection, 99)
