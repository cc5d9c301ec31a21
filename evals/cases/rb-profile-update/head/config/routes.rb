Rails.application.routes.draw do
  resource :profile, only: %i[edit update]

  namespace :api do
    resources :articles, only: %i[index show]
    resource :profile, only: %i[show update]
  end
end
