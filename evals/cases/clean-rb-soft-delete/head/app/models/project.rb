class Project < ApplicationRecord
  belongs_to :account

  RESTORABLE_FOR = 30.days

  scope :active, -> { where(archived_at: nil) }
  scope :restorable, -> { where(archived_at: RESTORABLE_FOR.ago..) }

  validates :name, presence: true

  def archive!
    update!(archived_at: Time.current)
  end

  def restore!
    update!(archived_at: nil)
  end
end
