class User < ApplicationRecord
  has_secure_password

  ROLES = %w[member editor admin].freeze

  validates :email, presence: true, uniqueness: true
  validates :display_name, length: { maximum: 80 }
  validates :role, inclusion: { in: ROLES }

  def admin?
    role == "admin"
  end
end
