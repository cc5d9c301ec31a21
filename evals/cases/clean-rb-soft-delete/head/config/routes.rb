Rails.application.routes.draw do
  resources :projects, only: %i[index destroy] do
    post :restore, on: :member
  end
end
